"""Tuning on a server that speaks OpenAI's fine-tuning API: upload, create, follow, fetch.

Nothing is sent but the examples file and the choices that the caller makes. The key comes from the
environment alone, as for chat: OPENAI_API_KEY for OpenAI, GROUNDTONE_API_KEY for another address.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import EngineError, WrongUse

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

Event = dict[str, Any]
ENDS = frozenset({"succeeded", "failed", "cancelled"})
POLL_S = 2.0
PAGE = 50


class Provider:
    """A server's fine-tuning API.

    Args:
        base_url: up to ``/v1``; None for OpenAI.

    Raises:
        EngineError: there is no key for OpenAI.
    """

    def __init__(self, base_url: str | None = None) -> None:
        from openai import OpenAI

        variable = "OPENAI_API_KEY" if base_url is None else "GROUNDTONE_API_KEY"
        key = os.environ.get(variable, "")
        if not key and base_url is None:
            raise EngineError(
                "There is no key for OpenAI.",
                "Set the environment variable OPENAI_API_KEY, or name another server with "
                "--base-url.",
            )
        self.where = base_url or "https://api.openai.com/v1"
        self._variable = variable
        self._client: OpenAI = OpenAI(base_url=self.where, api_key=key or "none", max_retries=4)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def warnings(self, model: str) -> list[str]:
        """What to know of a model before tuning it: that it is not listed, or will be shut down."""
        with self._named():
            listed = {one.id: one for one in self._client.models.list()}
        found = listed.get(model)
        if found is None:
            some = ", ".join(sorted(listed)[:8]) or "none"
            return [f"{self.where} does not list the model {model} (it lists {some})."]
        ends = getattr(found, "shutdown_date", None)
        if ends:
            return [f"{model} will be shut down on {ends}; what is tuned from it may end with it."]
        return []

    def upload(self, path: Path) -> str:
        """Upload an examples file; its id there."""
        with self._named(), path.open("rb") as content:
            return self._client.files.create(file=(path.name, content), purpose="fine-tune").id

    def create(
        self,
        *,
        model: str,
        training_file: str,
        validation_file: str | None = None,
        suffix: str,
        seed: int | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> str:
        """Create a job; its id.

        Args:
            hyperparameters: ``n_epochs``, ``batch_size``, ``learning_rate_multiplier``.
            extras: what only a groundtone server understands; sent as the field ``groundtone``.
        """
        request: dict[str, Any] = {
            "model": model,
            "training_file": training_file,
            "suffix": suffix,
            "method": {
                "type": "supervised",
                "supervised": {"hyperparameters": dict(hyperparameters or {})},
            },
        }
        if validation_file is not None:
            request["validation_file"] = validation_file
        if seed is not None:
            request["seed"] = seed
        if extras:
            request["extra_body"] = {"groundtone": dict(extras)}
        with self._named():
            return self._client.fine_tuning.jobs.create(**request).id

    def job(self, id: str) -> FineTuningJob:
        """A job as it is now."""
        with self._named():
            return self._client.fine_tuning.jobs.retrieve(id)

    def cancel(self, id: str) -> None:
        """End a job."""
        with self._named():
            self._client.fine_tuning.jobs.cancel(id)

    def follow(self, id: str, *, poll_s: float = POLL_S) -> Iterator[Event]:
        """Yield a job's events, oldest first, as they come, then one of ``ENDS``.

        ``step`` events are as those of a run here; ``message`` events have a text.
        """
        seen: set[str] = set()
        began: float | None = None
        while True:
            job = self.job(id)  # first: what it ends with is told among its events by then
            for told in self._new(id, seen):
                event = _event(told)
                if event["event"] == "step":
                    began = began or told.created_at
                    spent = told.created_at - began
                    if event["of"] and event["step"] > 1:
                        each = spent / (event["step"] - 1)
                        event["left_s"] = round(each * (event["of"] - event["step"]))
                yield event
            if job.status in ENDS:
                error = job.error.message if job.error and job.error.message else None
                yield {"event": job.status, "error": error}
                return
            time.sleep(poll_s)

    def results(self, job: FineTuningJob) -> str | None:
        """The file of metrics of a finished job, as text; None if there is none."""
        if not job.result_files:
            return None
        with self._named():
            content = self._client.files.content(job.result_files[0]).read()
        return _text(content)

    def _new(self, id: str, seen: set[str]) -> list[FineTuningJobEvent]:
        """Events that were not there before, oldest first; the server lists the newest first."""
        found: list[FineTuningJobEvent] = []
        with self._named():
            for event in self._client.fine_tuning.jobs.list_events(id, limit=PAGE):
                if event.id in seen:
                    break
                found.append(event)
        seen.update(event.id for event in found)
        return found[::-1]

    @contextmanager
    def _named(self) -> Iterator[None]:
        import openai

        try:
            yield
        except openai.AuthenticationError as error:
            raise EngineError(
                f"{self.where} does not accept the key.",
                f"Set the environment variable {self._variable} to one of its keys.",
            ) from error
        except openai.APIStatusError as error:
            told = f"{self.where} refused: {_told(error)}"
            if error.status_code < 500:
                raise WrongUse(told) from error
            raise EngineError(told, "Try again later.") from error
        except openai.OpenAIError as error:
            raise EngineError(
                f"{self.where} does not answer ({error}).", "Check --base-url, and that it runs."
            ) from error


def _event(told: FineTuningJobEvent) -> Event:
    data = told.data if isinstance(told.data, dict) else {}
    if told.type != "metrics" or "step" not in data:
        return {"event": "message", "level": told.level, "message": told.message}
    return {
        "event": "step",
        "step": int(data["step"]),
        "of": int(data.get("total_steps") or 0),
        "train_loss": data.get("train_loss"),
        "train_accuracy": data.get("train_mean_token_accuracy"),
        "valid_loss": data.get("valid_loss"),
        "valid_accuracy": data.get("valid_mean_token_accuracy"),
        "tokens_per_s": None,
        "left_s": None,
    }


def _text(content: bytes) -> str:
    """OpenAI sends this file in base64, others as it is."""
    import base64
    import binascii

    if not content.startswith(b"step,"):
        try:
            decoded = base64.b64decode(content, validate=True)
        except binascii.Error:
            decoded = content
        content = decoded
    return content.decode("utf-8", "replace")


def _told(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or error.message)
