"""`data import` and `data check` as a person types them: from an archive to one report of everything wrong."""

import io
import shlex
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import typer

from tests.helpers.toy_data import make, write_case
from uad_bench import cli
from uad_bench.cli.data import verbs as data

TOY = "tests/helpers/toy_data.py"


@pytest.fixture
def call(monkeypatch, capsys, request):
    """call("check", ...) -> exit code, stdout, stderr of a data verb, through the door that all verbs have."""
    door, room = typer.Typer(rich_markup_mode=None), typer.Typer()
    room.command("check")(data.check)
    room.command("import")(data.import_)
    door.add_typer(room, name="data")
    monkeypatch.setattr(cli, "app", door)
    monkeypatch.chdir(request.config.rootpath)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["uad-bench", "data", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return call


@pytest.fixture
def toys(tmp_path):
    return make(tmp_path / "toys", healthy=3, lesions=2)


def check(call, folder, *words):
    return call("check", TOY, "--data", f"{TOY}={folder}", "--workers", "1", *words)


def pack(folder, path, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        tar.add(folder, arcname=".")
    return path


def test_a_sound_dataset_is_listed_and_totalled(call, toys):
    code, out, err = check(call, toys)
    assert (code, err) == (0, "")
    for case_id in ("h00", "h01", "h02", "a00", "a01", "b00", "b01"):
        assert f"\n{case_id} " in f"\n{out}"
    assert "7 of 7 subjects: 3 healthy, 4 with lesions" in out and "no error, no warning" in out


def test_everything_wrong_is_in_one_report_f01_f02_f10_f24(call, toys):
    (toys / "h00_t2.nii.gz").write_bytes(b"")
    cut = toys / "a00_t2.nii.gz"
    cut.write_bytes(cut.read_bytes()[:-99])
    (toys / "b00_lesion.nii.gz").unlink()
    code, out, err = check(call, toys)
    assert code == 3
    for text in ("h00_t2.nii.gz", "damaged or truncated", "a00_t2.nii.gz", "b00"):
        assert text in out
    assert err.splitlines()[-1].startswith("error[UB341]: 3 errors in dataset")
    assert "no error" not in out and "Traceback" not in err


def test_warnings_leave_with_zero_f14_with_three_under_strict(call, toys):
    import nibabel as nib

    affine = np.diag(
        [5.0, 5, 5, 1]
    )  # 1.7 litres, as a brain of 6 mm voxels that fills its box would be too large
    image = nib.load(toys / "h00_t2.nii.gz")
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), toys / "h00_t2.nii.gz")
    nib.save(nib.Nifti1Image(np.ones((24, 28, 20), np.uint8), affine), toys / "h00_brain.nii.gz")
    assert check(call, toys)[0] == 0
    code, out, _ = check(call, toys, "--strict")
    assert code == 3 and "100.0% of the box" in out


def test_f27_a_protocol_lists_the_cases_that_lack_its_modality(call, toys, tmp_path, request):
    text = (request.config.rootpath / "configs" / "phantom.yaml").read_text()
    (tmp_path / "flair.yaml").write_text(text.replace("modalities: [t2]", "modalities: [flair]"))
    code, out, _ = check(call, toys, "--protocol", tmp_path / "flair.yaml", "--quick")
    assert code == 3 and out.count("no flair") == 7


def test_f32_an_id_that_must_not_be_trusted_leaves_with_five(call, toys):
    write_case(toys, "-rf", np.random.default_rng(0))
    code, out, err = check(call, toys)
    assert code == 5 and "error[UB507]" in err and "'-rf'" in out


def test_quick_reads_no_voxels(call, toys):
    path = toys / "h00_t2.nii.gz"
    path.write_bytes(path.read_bytes()[:-8])
    assert check(call, toys)[0] == 3
    code, out, _ = check(call, toys, "--quick")
    assert code == 0 and "headers only" in out


def test_an_empty_folder_is_not_a_sound_dataset(call, tmp_path):
    code, out, err = check(call, tmp_path)
    assert (code, out) == (3, "") and "no case found" in err and err.count("\n") == 1


@pytest.fixture
def ixi_tar(tmp_path, write_nifti):
    """A tar as the site has it: flat, one modality."""
    scan = write_nifti("scan.nii.gz", np.indices((9, 9, 9))[0].astype(np.int16)).read_bytes()
    with tarfile.open(tmp_path / "IXI-T2.tar", "w") as tar:
        for name in ("IXI002-Guys-0828-T2.nii.gz", "IXI012-HH-1211-T2.nii.gz"):
            info = tarfile.TarInfo(name)
            info.size = len(scan)
            tar.addfile(info, io.BytesIO(scan))
    return tmp_path / "IXI-T2.tar"


def test_import_says_what_is_there_and_what_to_type_next(call, ixi_tar, tmp_path):
    into = tmp_path / "my data"
    code, out, err = call("import", "ixi", ixi_tar, "--into", into)
    assert code == 0, err
    assert (into / "IXI-T2" / "IXI012-HH-1211-T2.nii.gz").is_file()
    assert f"ixi: 2 cases in {into} (t2 2)" in out
    following = shlex.split(out.splitlines()[-1].removeprefix("next: "))
    assert following == ["uad-bench", "data", "check", "ixi", "--data", f"ixi={into}"]
    code, out, _ = call(*following[2:], "--workers", "1")
    assert code == 0 and "images with the same voxels" in out  # F29: both were packed from one scan


def test_a_second_import_joins_the_first_and_a_repeated_one_is_not_redone(call, ixi_tar, tmp_path):
    other = ixi_tar.with_name("IXI-PD.tar")
    with tarfile.open(ixi_tar) as tar, tarfile.open(other, "w") as made:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            member.name = member.name.replace("T2", "PD")
            made.addfile(member, content)
    call("import", "ixi", ixi_tar, "--into", tmp_path / "ixi")
    _, out, _ = call("import", "ixi", other, "--into", tmp_path / "ixi")
    assert "2 cases" in out and "(pd 2, t2 2)" in out
    code, _, err = call("import", "ixi", ixi_tar, "--into", tmp_path / "ixi")
    assert code == 0 and "was unpacked before" in err


def test_an_archive_of_another_dataset_says_the_layout_and_stays(call, toys, tmp_path):
    code, out, err = call("import", "ixi", pack(toys, tmp_path / "toys.tar.gz"), "--into", tmp_path / "into")
    assert code == 3 and "error[UB334]" in err and "IXI002-Guys-0828-T2.nii.gz" in err
    assert "unpacked:" in out and (tmp_path / "into" / "toys" / "h00_t2.nii.gz").is_file()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("ixj", "IXI-T2.tar"), 2, "did you mean ixi"),
        (("ixi", "none.tar"), 3, "none.tar"),
        (("ixi", "IXI-T2.tar", "--sha256", "0" * 64), 5, "UB505"),
        (("ixi", "IXI-T2.tar", "--sha256", "zero"), 2, "no SHA-256"),
        (("ixi", "IXI-T2.tar", "--set", "ixi.colour=1"), 2, "colour"),
    ],
)
def test_f39_a_refused_import_is_one_line_and_leaves_nothing(call, ixi_tar, tmp_path, words, code, text):
    name, archive, *more = words
    found, out, err = call("import", name, tmp_path / archive, "--into", tmp_path / "into", *more)
    assert (found, out) == (code, "") and text in err
    assert err.startswith("error[UB") and err.count("\n") == 1
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("verb", ["check", "import"])
def test_help_imports_nothing_heavy(verb):
    script = (
        "import sys, typer\nfrom uad_bench.cli.data import verbs as data\n"
        f"app = typer.Typer(); app.command()(data.{verb.replace('import', 'import_')})\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "print('HEAVY', sorted(set(sys.modules) & {'numpy', 'torch', 'pandas', 'scipy', 'nibabel'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout and done.stdout.strip().endswith("HEAVY []")


def test_two_roots_of_one_dataset_are_an_error(call, tmp_path):
    words = [f"--data=folder={tmp_path / name}" for name in ("one", "two")]
    code, _, err = call("check", "folder", *words)
    assert code == 2
    assert "a dataset has one root" in err and str(tmp_path / "one") in err
    assert call("check", "folder", words[0], words[0])[0] == 3  # the same folder, which is empty
