"""Every error of the API in OpenAI's shape, with the status that clients act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from groundtone.errors import (
    Busy,
    EngineError,
    GateRefused,
    GroundtoneError,
    MissingExtra,
    MissingModel,
    WrongUse,
)

INVALID = "invalid_request_error"
CODES = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ErrorBody(BaseModel):
    """What went wrong.

    ``type`` is a broad kind, ``code`` what programs compare, ``param`` the field at fault.
    """

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """The body of every answer that is no success."""

    error: ErrorBody


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that every route may answer with, and these, for the OpenAPI document."""
    always = (400, 401, 403, 408, 413, 429, 500, 503)
    return {status: {"model": ErrorAnswer} for status in sorted({*always, *statuses})}


class ApiError(Exception):
    """An answer that is no success.

    Args:
        status: of HTTP.
        message: a sentence for people.
        type: OpenAI's broad kind; by default the one of the status.
        param: the field at fault.
        code: what programs compare.
        headers: to be sent with it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type or KINDS.get(status, INVALID if status < 500 else "server_error")
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> JSONResponse:
        """The whole answer."""
        return JSONResponse(self.body(), self.status, self.headers)


def refused(param: str, why: str) -> ApiError:
    """A parameter that cannot be followed here, named."""
    return ApiError(400, f"{param}: {why}", param=param, code="unsupported_parameter")


def as_api_error(error: Exception) -> ApiError:
    """Any error as the answer to send; an unforeseen one tells nothing of itself."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, GroundtoneError):
        return ApiError(*_placed(error))
    if isinstance(error, HTTPException):
        code = CODES.get(error.status_code)
        return ApiError(
            error.status_code, str(error.detail), code=code, headers=error.headers or {}
        )
    return ApiError(500, "The server met an error that nobody foresaw.", code="internal_error")


def _placed(error: GroundtoneError) -> tuple[int, str]:
    """The status for an error of ours."""
    text = str(error)
    if isinstance(error, WrongUse) or (isinstance(error, EngineError) and "prompt" in text):
        return 400, text
    if isinstance(error, GateRefused):
        return 409, text
    if isinstance(error, Busy | MissingExtra | MissingModel | EngineError):
        return 503, text
    return 500, text


def install(app: FastAPI) -> None:
    """Make every error of this application one in OpenAI's shape."""

    async def answered(_request: Request, error: Exception) -> JSONResponse:
        return as_api_error(error).response()

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _invalid(error).response()

    app.add_exception_handler(ApiError, answered)
    app.add_exception_handler(GroundtoneError, answered)
    app.add_exception_handler(HTTPException, answered)
    app.add_exception_handler(RequestValidationError, invalid)


def _invalid(error: RequestValidationError) -> ApiError:
    """The first fault of a request, as OpenAI says it: status 400, the field in ``param``."""
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"] if part not in ("body", "query", "path", "header")]
    what = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "json_invalid":
        return ApiError(400, "The body is not valid JSON.", code="invalid_json")
    param = ".".join(place) or None
    shown = f"{param}: {what}" if param else what
    code = "missing_required_parameter" if fault["type"] == "missing" else "invalid_value"
    return ApiError(400, f"{shown}.", param=param, code=code)
