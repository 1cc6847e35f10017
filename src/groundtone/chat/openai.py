"""The remote engine: any server that speaks OpenAI's chat API, through the official SDK.

OpenAI, Mistral, vLLM, Ollama, llama.cpp and others. Nothing is downloaded and nothing is sent but
the messages, to the address that the user named.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.chat import BASE, Completion, Message, check_limits, check_messages
from groundtone.errors import EngineError, WrongUse

if TYPE_CHECKING:
    from openai import OpenAI

_WORD = re.compile(r"\w+|[^\w\s]|\n+")
_LONGEST_TOKEN = 16  # characters; in any language tokens are shorter on average


class OpenAIEngine:
    """`groundtone.chat.ChatEngine` over HTTP.

    The server's tokenizer cannot be asked, so `tokens` is an estimate that rather counts too many
    (`exact_tokens` is False), and `render` only serves to count. `Completion` holds the server's
    own counts, and our estimate where it sends none, or some that cannot be.

    Args:
        model: the model's name on the server; also the names of tuned models in `stream`.
        base_url: the API's address up to ``/v1``; None for OpenAI ($OPENAI_BASE_URL, if set).
        name: what to call it in messages.
        context_tokens: what the model can take; the server decides, this only plans prompts.
        parallel: requests worth sending at once.
        timeout: seconds to wait for the connection's next bytes.
        retries: attempts after the first on lost connections, 408, 409, 429 and 5xx, with
            exponential pauses (0.5 s to 8 s, or what the server's Retry-After says). Not once an
            answer has begun.

    The key comes from the environment alone: OPENAI_API_KEY for OpenAI, GROUNDTONE_API_KEY for
    another address (so that no key meant for OpenAI goes elsewhere).

    Raises:
        EngineError: there is no key for OpenAI.
    """

    exact_tokens = False

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        name: str | None = None,
        context_tokens: int = 8192,
        parallel: int = 4,
        timeout: float = 120.0,
        retries: int = 4,
    ) -> None:
        self.model = model
        self.name = name or f"openai:{model}"
        self.context_tokens = context_tokens
        self.parallel = parallel
        self._where = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        variable = "OPENAI_API_KEY" if base_url is None else "GROUNDTONE_API_KEY"
        key = os.environ.get(variable, "")
        if not key and base_url is None:
            raise EngineError(
                f"There is no key for {self._where}.",
                "Set the environment variable OPENAI_API_KEY, or use a local model.",
            )
        self._key_variable = variable
        self._key, self._timeout, self._retries = key or "none", timeout, retries
        self._made: OpenAI | None = None
        self._closed = False

    def render(self, messages: Sequence[Message]) -> str:
        """Return the messages as plain text for counting; the server makes the real prompt."""
        check_messages(messages)
        return "".join(f"{message['role']}\n{message['content']}\n\n" for message in messages)

    def tokens(self, text: str) -> list[int]:
        """Return as many numbers as `text` has tokens by a cautious estimate.

        One for each sign and for every 4 bytes of a word begun: for English about 1.1 to 1.3
        times what byte-pair tokenizers count. The numbers themselves mean nothing.
        """
        count = sum(-(-len(word.encode()) // 4) for word in _WORD.findall(text))
        return list(range(count))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        model: str = BASE,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str | Completion]:
        """Yield pieces of the answer, then one `Completion`; see `ChatEngine.stream`.

        Any `model` other than "base" and this engine's name goes to the server as it is: tuned
        models live there. `seed` is passed on; few servers promise the same answer for it.
        """
        begun = time.perf_counter()
        check_messages(messages)
        if self._closed:
            raise EngineError(f"The engine {self.name} is closed.", "Open it again.")
        check_limits(max_tokens, temperature)
        request: dict[str, Any] = {
            "model": self.model if model in (BASE, self.name) else model,
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if wanted := [text for text in stop if text]:
            request["stop"] = wanted
        if json_schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(json_schema), "strict": True},
            }
        return self._answer(request, begun)

    def relay(self, request: Mapping[str, Any], *, stream: bool) -> Iterator[dict[str, Any]]:
        """Yield what the server answers to a whole request, as it answers: one, or its pieces.

        For what `stream` has no words for, such as tools and log-probabilities.

        Args:
            request: of the chat API; its ``model`` as in `stream`.
        """
        import openai

        model = request["model"]
        asked: dict[str, Any] = {**request, "stream": stream}
        asked["model"] = self.model if model in (BASE, self.name) else model
        try:
            answer: Any = self._client().post(
                "/chat/completions",
                body=asked,
                cast_to=object if not stream else openai.types.chat.ChatCompletionChunk,
                stream=stream,
                stream_cls=openai.Stream[openai.types.chat.ChatCompletionChunk],
            )
            if not stream:
                yield dict(answer)
                return
            with answer as events:
                for event in events:
                    yield event.model_dump(mode="json", exclude_unset=True)
        except openai.OpenAIError as error:
            raise self._explain(error, asked["model"]) from error

    def _answer(self, request: dict[str, Any], begun: float) -> Iterator[str | Completion]:
        import openai

        pieces: list[str] = []
        first: float | None = None
        usage: Any = None
        finish = ""
        length = 0
        try:
            with self._client().chat.completions.create(**request) as events:
                kind = events.response.headers.get("content-type", "")
                if "html" in kind:
                    raise self._no_api()
                for event in events:
                    usage = event.usage or usage
                    if not event.choices:
                        continue
                    choice = event.choices[0]
                    finish = choice.finish_reason or finish
                    text = choice.delta.content if choice.delta else None
                    if text:
                        first = first or time.perf_counter()
                        pieces.append(text)
                        length += len(text)
                        yield text
                        if length > _LONGEST_TOKEN * request["max_tokens"]:
                            finish = "length"  # it writes on after what it was asked for
                            break
        except EngineError:
            raise
        except openai.APITimeoutError as error:
            missing = "sent nothing more for" if first else "did not answer within"
            raise EngineError(
                f"{self._where} {missing} {self._timeout:g} s.",
                "Ask again, or raise [chat] timeout if it is that slow.",
            ) from error
        except openai.OpenAIError as error:
            raise self._explain(error, request["model"]) from error
        except Exception as error:  # the transport's own errors pass through the SDK's stream
            if self._closed:
                raise EngineError(f"{self.name} was closed in the middle of an answer.") from error
            raise EngineError(f"The answer of {self._where} broke off: {error}.") from error
        if not finish and not pieces and "event-stream" not in kind:
            raise EngineError(
                f"{self._where} answered with {kind or 'something'}, not with a stream of the chat "
                "API.",
                "Check the address, and that the server streams.",
            )
        if not finish:
            raise EngineError(f"{self._where} broke off in the middle of an answer.", "Ask again.")
        ended = time.perf_counter()
        text = "".join(pieces)
        details = getattr(usage, "prompt_tokens_details", None)
        sent = len(self.tokens(self.render(request["messages"])))
        got = len(self.tokens(text))
        # Thinking is counted and not sent, so much may be said to be written, but not everything.
        most = max(request["max_tokens"], 4 * got) + 16
        prompt_tokens = _believed(usage, "prompt_tokens", 1, 8 * sent + 4096, sent)
        yield Completion(
            text=text,
            prompt_tokens=prompt_tokens,
            completion_tokens=_believed(usage, "completion_tokens", bool(text), most, got),
            first_token_ms=((first or ended) - begun) * 1000,
            total_ms=(ended - begun) * 1000,
            finish=finish,
            cached_tokens=_believed(details, "cached_tokens", 0, prompt_tokens, 0),
        )

    def _client(self) -> OpenAI:
        if self._made is None:
            import openai

            self._made = openai.OpenAI(
                api_key=self._key,
                base_url=self._where,
                timeout=self._timeout,
                max_retries=self._retries,
            )
        return self._made

    def _explain(self, error: Exception, model: str) -> EngineError:
        import openai

        where = self._where
        if isinstance(error, openai.APIConnectionError):
            return EngineError(f"{where} cannot be reached.", "Check the address and the network.")
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return EngineError(
                f"{where} refuses the key.", f"Set the environment variable {self._key_variable}."
            )
        status = getattr(error, "status_code", 0)
        if isinstance(error, openai.APIStatusError) and _is_page(error):
            return self._no_api(status)
        if isinstance(error, openai.NotFoundError):
            return EngineError(f"{where} has no model {model!r}.", "Name one that it serves.")
        if isinstance(error, openai.RateLimitError):
            return EngineError(
                f"{where} refuses more requests for now ({self._retries} retries).",
                "Wait, or ask for a higher limit.",
            )
        message = " ".join(str(getattr(error, "message", "") or error).split())[:500]
        if "context" in message.lower() and isinstance(error, openai.BadRequestError):
            return EngineError(
                f"The prompt does not fit into the model's context: {message}",
                "Ask with fewer or shorter passages or messages.",
            )
        return EngineError(f"{where} answered with an error: {message}")

    def _no_api(self, status: int = 200) -> EngineError:
        return EngineError(
            f"{self._where} answered with a web page (status {status}), not as a chat API does.",
            "Check the address (it often ends with /v1), and any proxy on the way.",
        )

    def load(self, adapters: dict[str, Path]) -> None:
        """Raise unless `adapters` is empty: files cannot be sent to a remote server."""
        if adapters:
            raise WrongUse(
                f"{self.name} is remote; adapter files cannot be loaded there.",
                "Tune a model there, or choose a local engine.",
            )

    def close(self) -> None:
        """Close the connections; calling it again does nothing."""
        self._closed = True
        if self._made is not None:
            self._made.close()
            self._made = None


def _believed(counts: Any, name: str, least: int, most: int, ours: int) -> int:
    """What a server says it counted, where that can be; else our own estimate."""
    said = getattr(counts, name, None)
    if isinstance(said, int) and not isinstance(said, bool) and least <= said <= most:
        return said
    return ours


def _is_page(error: Any) -> bool:
    kind = str(error.response.headers.get("content-type", ""))
    return "html" in kind or error.response.text.lstrip()[:14].lower().startswith(
        ("<html", "<!doctype html")
    )
