"""Float32 without TF32, whatever way of asking for TF32 was used before. In processes: the settings are global."""

import subprocess
import sys

import pytest

PROGRAM = """
import torch
from uad_bench.method.precision import whole_float32
kinds = lambda: [torch._C._get_fp32_precision_getter("cuda", kind) for kind in ("conv", "rnn", "matmul")]
{before}
first = kinds()
with whole_float32():
    print("inside", "tf32" in kinds())
print("after", kinds() == first or (first[:2] == kinds()[:2] and "tf32" not in (first[2], kinds()[2])))
"""


@pytest.mark.parametrize(
    "before",
    [
        "",
        "torch.backends.cudnn.allow_tf32 = False",
        "torch.backends.fp32_precision = 'tf32'",
        "torch.backends.cuda.matmul.allow_tf32 = True",
        "torch.backends.cudnn.conv.fp32_precision = 'tf32'; torch.backends.cudnn.rnn.fp32_precision = 'ieee'",
    ],
)
def test_no_kind_of_operation_uses_tf32_and_the_settings_are_restored(before):
    program = PROGRAM.format(before=before)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["inside", "False", "after", "True"]
