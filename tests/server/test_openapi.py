"""The OpenAPI document holds: no request that it allows, or nearly, meets an unforeseen answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from tests.server.serving import Served

schemathesis = pytest.importorskip("schemathesis")
EXAMPLES = 6  # of each operation, of allowed requests and of others


def asked_quickly(operation: Any, case: Any) -> None:
    """Models that exist, and short answers: what is tried is the API, not the model."""
    body = case.body
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return
    body["model"] = "smollm2-135m-instruct"
    if "embeddings" in operation.path:
        body["model"] = "all-minilm-l6-v2"
    for field in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        if field in body or field == "max_tokens":
            body[field] = 1
    body.pop("n", None)


@pytest.mark.slow
def test_no_answer_is_unforeseen(server: Served) -> None:
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    api = schemathesis.openapi.from_url(f"{server.root}/openapi.json", timeout=120)
    checks = [
        schemathesis.checks.not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    found: dict[str, str] = {}
    tried = 0
    headers = {"authorization": f"Bearer {server.keys['admin']}"}

    def holds(operation: Any, mode: Any) -> None:
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def tries(case: Any) -> None:
            nonlocal tried
            tried += 1
            asked_quickly(operation, case)
            case.call_and_validate(headers=headers, checks=checks, timeout=60)

        tries()

    for result in api.get_all_operations():
        operation = result.ok()
        if operation.path == "/v1/fine_tuning/jobs" and operation.method == "post":
            continue  # would begin to train; tests/server/test_fine_tuning.py has its own
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                holds(operation, mode)
            except Unsatisfiable:
                continue  # nothing about it can be wrong
            except (Exception, schemathesis.errors.FailureGroup) as error:
                where = f"{operation.method} {operation.path} {mode.name}"
                found[where] = str(getattr(error, "exceptions", error))[:1500]
    assert not found, "\n\n".join(f"{where}: {what}" for where, what in found.items())
    assert tried > 150
