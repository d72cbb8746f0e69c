"""What `make lint-delivery` reads out of its linters, and what it lets pass."""

from typing import Any

import pytest

from tools.delivery.exceptions import EXCEPTIONS
from tools.delivery.finding import Finding, standing
from tools.delivery.linters import checkov_findings, group_of, kube_score_findings, schema_findings

NO_LIMIT = Finding(rule="checkov CKV_K8S_11", object="Deployment/operator", source="a.yaml", says="CPU limits")


def test_a_finding_without_a_reason_stands() -> None:
    assert standing([NO_LIMIT], {}) == [NO_LIMIT]


def test_a_finding_with_a_reason_passes_in_every_file() -> None:
    elsewhere = Finding(rule=NO_LIMIT.rule, object=NO_LIMIT.object, source="b.yaml", says=NO_LIMIT.says)
    assert standing([NO_LIMIT, elsewhere], {(NO_LIMIT.rule, NO_LIMIT.object): "it idles"}) == []


@pytest.mark.parametrize("other", [("checkov CKV_K8S_12", NO_LIMIT.object), (NO_LIMIT.rule, "Deployment/other")])
def test_a_reason_counts_for_one_rule_and_one_object(other: tuple[str, str]) -> None:
    stands = standing([NO_LIMIT], {other: "it idles"})
    assert [(each.rule, each.object) for each in stands] == [(NO_LIMIT.rule, NO_LIMIT.object), other]


def test_every_exception_has_its_reason() -> None:
    assert [each for each, reason in EXCEPTIONS.items() if not reason.endswith(".")] == []


def _config_map(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **fields}


def test_an_object_of_the_api_passes() -> None:
    assert list(schema_findings(_config_map(data={"a": "b"}), source="a.yaml")) == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        pytest.param(_config_map(dta={}), "dta", id="a field that does not exist"),
        pytest.param(_config_map(data={"a": 1}), "string", id="a wrong type"),
        pytest.param(_config_map() | {"kind": "ConfigMop"}, "ConfigMop", id="a kind that does not exist"),
    ],
)
def test_an_object_that_the_api_refuses_is_found(body: dict[str, Any], word: str) -> None:
    found = list(schema_findings(body, source="a.yaml"))
    assert [(each.rule, word in each.says) for each in found] == [("Kubernetes 1.30", True), ("Kubernetes 1.34", True)]


@pytest.mark.parametrize(("version", "group"), [("v1", ""), ("apps/v1", "apps"), ("litellmdb.dev/v1", "litellmdb.dev")])
def test_the_core_group_has_no_name(version: str, group: str) -> None:
    assert group_of({"apiVersion": version}) == group


def _report(**changes: Any) -> dict[str, Any]:
    failed = {
        "check_id": "CKV2_K8S_6",
        "check_name": "NetworkPolicy",
        "resource": "Pod.namespace.operator.app.kubernetes.io/name-operator",
        "file_path": "/a.yaml",
    }
    summary = {"resource_count": 3, "parsing_errors": 0} | changes
    return {"check_type": "kubernetes", "summary": summary, "results": {"failed_checks": [failed]}}


def test_checkov_names_the_object() -> None:
    (found,) = checkov_findings([_report()])
    assert (found.rule, found.object, found.says) == ("checkov CKV2_K8S_6", "Pod/operator", "NetworkPolicy")


@pytest.mark.parametrize("changes", [{"resource_count": 0}, {"parsing_errors": 1}])
def test_what_checkov_could_not_read_is_no_clean_result(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="could not read"):
        list(checkov_findings([_report(**changes)]))


def test_kube_score_counts_what_is_not_perfect() -> None:
    def scored(rule: str, grade: int, *, skipped: bool = False) -> dict[str, Any]:
        return {"check": {"id": rule, "comment": "why"}, "grade": grade, "skipped": skipped, "comments": None}

    checks = [scored("good", 10), scored("bad", 1), scored("fair", 5), scored("optional", 1, skipped=True)]
    report = [{"type_meta": {"kind": "Deployment"}, "object_meta": {"name": "operator"}, "checks": checks}]
    found = list(kube_score_findings(report, source="a.yaml"))
    assert [(each.rule, each.object, each.says) for each in found] == [
        ("kube-score bad", "Deployment/operator", "why"),
        ("kube-score fair", "Deployment/operator", "why"),
    ]
