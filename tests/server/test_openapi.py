"""The OpenAPI document holds: no request that it allows, or nearly, meets an unforeseen answer."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from tests.server.serving import Served, served

from groundtone import Workspace

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


def all_checks() -> list[Any]:
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [
        schemathesis.checks.not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]


@pytest.mark.slow
def test_no_answer_is_unforeseen(server: Served) -> None:
    from schemathesis import GenerationMode

    api = schemathesis.openapi.from_url(f"{server.root}/openapi.json", timeout=120)
    checks = all_checks()
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
            continue  # would begin to train: below, where nobody carries jobs out
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


@pytest.mark.slow
def test_no_job_is_unforeseen(tmp_path: Path) -> None:
    """Jobs are made, looked up, paused, resumed and cancelled; nobody carries them out."""
    from schemathesis import GenerationMode

    Workspace.create(tmp_path / "kb").close()
    checks = all_checks()
    statuses: dict[str, set[int]] = {}
    with served(tmp_path / "kb", "--no-worker") as server:
        client = server.client()
        lines = b'{"messages": [{"role": "user", "content": "x"}]}\n'
        file = client.files.create(file=("a.jsonl", lines), purpose="fine-tune").id
        jobs = [client.fine_tuning.jobs.create(model="base", training_file=file).id]
        api = schemathesis.openapi.from_url(f"{server.root}/openapi.json", timeout=120)

        def holds(operation: Any, mode: Any) -> None:
            @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
            @given(operation.as_strategy(generation_mode=mode))
            def tries(case: Any) -> None:
                if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
                    case.body |= {"model": "base", "training_file": file}
                if mode is GenerationMode.POSITIVE and "job_id" in (case.path_parameters or {}):
                    case.path_parameters["job_id"] = jobs[-1]
                answer = case.call_and_validate(checks=checks, timeout=60)
                where = f"{operation.method} {operation.path}"
                statuses.setdefault(where, set()).add(answer.status_code)
                if operation.path == "/v1/fine_tuning/jobs" and answer.status_code == 200:
                    jobs.extend(filter(None, [answer.json().get("id")]))

            tries()

        for result in api.get_all_operations():
            operation = result.ok()
            if operation.path.startswith("/v1/fine_tuning/jobs"):
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    with contextlib.suppress(Unsatisfiable):
                        holds(operation, mode)
    assert statuses["post /v1/fine_tuning/jobs"] >= {200, 400}
    assert len(jobs) > 2 and len(statuses) == 8
