"""What is taken for different is patched with every look: a quantity that is written otherwise must not be."""

from decimal import Decimal
from typing import Any

import pytest

from litellm_database_operator.kube.likeness import amount, covers


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        pytest.param("1", "1", id="number"),
        pytest.param("500m", "0.5", id="thousandths"),
        pytest.param("0.5", "0.5", id="half"),
        pytest.param(".5", "0.5", id="half without a zero"),
        pytest.param("1024Mi", "1073741824", id="mebibytes"),
        pytest.param("1Gi", "1073741824", id="gibibyte"),
        pytest.param("1.5Gi", "1610612736", id="one and a half"),
        pytest.param("1G", "1000000000", id="gigabyte"),
        pytest.param("1E", "1000000000000000000", id="E alone is a suffix"),
        pytest.param("1e3", "1000", id="exponent"),
        pytest.param("1E3", "1000", id="exponent in capitals"),
        pytest.param("12e-1", "1.2", id="negative exponent"),
        pytest.param("1u", "0.001", id="finer than a thousandth"),
        pytest.param("1e18", "1000000000000000000", id="many digits"),
        pytest.param("0.123456789012345678901234567890", "0.124", id="many digits after the point"),
        pytest.param("1e30", "9223372036854775807", id="more than the largest"),
        pytest.param("100000000E", "9223372036854775807", id="more than the largest, by its suffix"),
        pytest.param("1e999999999999999999999", "9223372036854775807", id="much more than the largest"),
        pytest.param("1e-999999999999999999999", "0.001", id="next to nothing"),
    ],
)
def test_a_quantity_is_a_number(quantity: str, number: str) -> None:
    assert amount(quantity) == Decimal(number)


@pytest.mark.parametrize("text", ["", "1 Gi", "1GB", "Gi", "1ei"])
def test_what_is_no_quantity_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        amount(text)


def container(resources: Any, **more: Any) -> dict[str, Any]:
    """Return a pod template's part."""
    return {"containers": [{"name": "postgres", "image": "postgres:16", "resources": resources, **more}]}


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        pytest.param({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1024Mi"}}, True, id="written otherwise"),
        pytest.param({"requests": {"cpu": "500m"}}, {"requests": {"cpu": "0.5"}}, True, id="half a CPU"),
        pytest.param({"limits": {"memory": "2Gi"}}, {"limits": {"memory": "1Gi"}}, False, id="more"),
        pytest.param(
            {"limits": {"cpu": "1", "memory": "1Gi"}}, {"limits": {"memory": "1Gi"}}, False, id="a limit left"
        ),
        pytest.param({"requests": {"cpu": "1"}}, {"limits": {"cpu": "1"}}, False, id="requests are no limits"),
        pytest.param(
            {"limits": {"memory": "1Gi"}, "claims": [{"name": "gpu"}]},
            {"limits": {"memory": "1Gi"}},
            True,
            id="with somebody's claim",
        ),
        pytest.param({}, {}, True, id="none"),
        pytest.param(None, {}, True, id="none, not even said"),
        pytest.param({"limits": {}}, {}, True, id="none, said at length"),
        pytest.param({"limits": {"cpu": "1"}}, {}, False, id="none any more"),
    ],
)
def test_resources_are_compared_whole_and_by_amount(found: Any, wanted: Any, *, same: bool) -> None:
    assert covers(container(found), container(wanted)) is same


def test_everything_else_may_say_more() -> None:
    assert covers(container({}, terminationMessagePolicy="File"), container({}))
    assert not covers(container({}), container({}, terminationMessagePolicy="File"))
    assert not covers({"containers": []}, container({}))


@pytest.mark.parametrize("field", ["namespaceSelector", "podSelector"])
def test_a_selector_that_says_more_is_another(field: str) -> None:
    narrow = {field: {"matchLabels": {"team": "a", "stage": "dev"}}}
    assert not covers(narrow, {field: {"matchLabels": {"team": "a"}}})
    assert not covers(narrow, {field: {}})
    assert covers(narrow, {field: {"matchLabels": {"stage": "dev", "team": "a"}}})
