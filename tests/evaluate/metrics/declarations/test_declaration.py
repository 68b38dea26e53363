"""A declaration gives the attributes of its class."""

from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics.declarations.declaration import Declaration

ONE = Declaration(
    "x", "voxel:X", "a number", "a / b", ("no_positive",), better="lower", constants={"limit": 0.3}
)


def test_the_class_is_the_second_part_of_the_target():
    assert ONE.class_name == "X"


def test_attributes_are_those_of_a_metric_and_the_constants():
    attributes = ONE.attributes()
    assert attributes.pop("limit") == 0.3
    assert set(attributes) == set(Metric.__annotations__)
    assert attributes["higher_is_better"] is False
    assert (attributes["summary"], attributes["formula"], attributes["per_rule"]) == (
        "a number",
        "a / b",
        False,
    )


def test_a_reference_value_is_stored_as_higher_is_better():
    assert Declaration("x", "voxel:X", "", "", (), better="").attributes()["higher_is_better"] is True
