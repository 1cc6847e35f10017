"""The first token and the speed of writing: our engines beside the bare libraries.

    python bench/answer.py [--model smollm2-135m-instruct] [--threads 2] [--rounds 5] [--json]

Each round asks about a prompt of about 1,000 tokens that nobody has seen (instructions, passages,
a question), then three other questions about the same passages, and notes when the first token is
there; the last one goes on writing, greedily. Bare is the library as its own examples use it, with
its own cache: xllamacpp's server with its defaults, and openvino-genai's ContinuousBatchingPipeline
with prefix caching. Every engine gets the same token ids, all are open at the same time, and their
order changes from round to round, so that a busy machine hurts all alike. Medians are given, and
ours through the bare one's: of times, below 1 is faster; of speeds, above 1 is.

Runs without openvino-genai too; its rows are left out then.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from groundtone import weights
from groundtone.chat import Completion, open_chat
from groundtone.chat.threads import default_threads
from groundtone.chat.vocabulary import vocabulary

MEASURES = ("fresh_ms", "seen_ms", "write_tokens_s")
GOALS = {"fresh_ms": "< 1200", "seen_ms": "< 300", "write_tokens_s": "ratio >= 0.95"}
THINGS = ("pump", "valve", "filter", "sensor", "boiler", "meter", "fan", "relay")
QUESTIONS = (
    "How often is part {0} looked after?",
    "Who may open part {1}?",
    "What does part {0} do when it is cold?",
    "Write all you know about part {1}, one sentence for each fact.",
)


class Bare(Protocol):
    """A library without us: yields once for each token written."""

    def write(self, prompt: list[int], count: int) -> Iterator[object]:
        """Greedily write `count` tokens."""
        ...


class BareLlama:
    """xllamacpp's server with its defaults, but for the threads and one slot."""

    def __init__(self, path: Path, threads: int) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel, params.n_gpu_layers = 4096, 1, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.verbosity, params.warmup = -1, False
        params.hostnames, params.port = ["127.0.0.1"], 0
        self._server = xllamacpp.Server(params)

    def write(self, prompt: list[int], count: int) -> Iterator[object]:
        import queue
        import threading

        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        request = {"prompt": prompt, "max_tokens": count, "temperature": 0.0, "stream": True}

        def work() -> None:
            self._server.handle_completions(
                {**request, "ignore_eos": True}, lambda event: events.put(event)
            )
            events.put(None)

        thread = threading.Thread(target=work)
        thread.start()
        while (event := events.get()) is not None:
            if event.get("choices") and not event["choices"][0].get("finish_reason"):
                yield event
        thread.join()


class BareOpenVINO:
    """openvino-genai's pipeline with its own prefix cache."""

    def __init__(self, path: Path, threads: int) -> None:
        import openvino_genai as genai

        scheduler = genai.SchedulerConfig()
        scheduler.enable_prefix_caching = True
        scheduler.cache_size = 1
        self._genai = genai
        self._pipeline = genai.ContinuousBatchingPipeline(
            str(path), scheduler, "CPU", {"INFERENCE_NUM_THREADS": threads}
        )
        self._requests = 0

    def write(self, prompt: list[int], count: int) -> Iterator[object]:
        import numpy as np
        import openvino as ov

        config = self._genai.GenerationConfig()
        config.max_new_tokens, config.do_sample, config.ignore_eos = count, False, True
        config.apply_chat_template = False
        self._requests += 1
        handle = self._pipeline.add_request(
            self._requests, ov.Tensor(np.array([prompt], dtype=np.int64)), config
        )
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()
            while handle.can_read():
                for output in handle.read().values():
                    yield from output.generated_ids


class Ours:
    """One of our engines, asked as everything else asks it."""

    def __init__(self, name: str, threads: int) -> None:
        self.engine = open_chat(name, threads=threads, context_tokens=4096, parallel=1)

    def ask(self, messages: list[dict[str, str]], count: int) -> Completion:
        *_, done = self.engine.stream(messages, max_tokens=count)
        assert isinstance(done, Completion)
        return done


def talk(number: int, tokens: int, path: Path) -> list[list[dict[str, str]]]:
    """The conversations of one round: the same new passages, different questions."""
    draw = random.Random(f"round {number}")
    words = vocabulary(path)
    system = "Answer from the passages."
    while len(words.tokens(system)) < tokens - 40:
        system += (
            f" The {draw.choice(THINGS)} {draw.randrange(1000)} is looked after every "
            f"{draw.randrange(2, 90)} days by team {draw.choice('ABCDEFG')} and takes "
            f"{draw.randrange(5, 400)} watts."
        )
    return [
        [
            {"role": "system", "content": system},
            {"role": "user", "content": question.format(draw.randrange(99), draw.randrange(99))},
        ]
        for question in QUESTIONS
    ]


def measure_ours(one: Ours, talks: list[list[dict[str, str]]], count: int) -> dict[str, float]:
    fresh = one.ask(talks[0], 1)
    assert fresh.cached_tokens < 200, "the passages of a round must be new"
    seen = [one.ask(messages, 1).first_token_ms for messages in talks[1:-1]]
    begun = time.perf_counter()
    events: list[float] = []
    done: Completion | None = None
    for event in one.engine.stream(talks[-1], max_tokens=count):
        events.append(time.perf_counter())
        done = event if isinstance(event, Completion) else done
    assert done is not None
    written = (done.completion_tokens - 1) / max(1e-9, events[-1] - events[0])
    seen.append((events[0] - begun) * 1000)
    return {
        "fresh_ms": fresh.first_token_ms,
        "seen_ms": statistics.median(seen),
        "write_tokens_s": written if done.completion_tokens > 16 else float("nan"),
    }


def measure_bare(one: Bare, prompts: list[list[int]], count: int) -> dict[str, float]:
    def first(prompt: list[int]) -> float:
        begun = time.perf_counter()
        events = one.write(prompt, 1)
        next(events)
        found = (time.perf_counter() - begun) * 1000
        for _ in events:
            pass
        return found

    fresh = first(prompts[0])
    seen = [first(prompt) for prompt in prompts[1:-1]]
    begun = time.perf_counter()
    times = [time.perf_counter() for _ in one.write(prompts[-1], count)]
    seen.append((times[0] - begun) * 1000)
    return {
        "fresh_ms": fresh,
        "seen_ms": statistics.median(seen),
        "write_tokens_s": (len(times) - 1) / (times[-1] - times[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m-instruct", help="or gguf:PATH")
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=1000, help="of the prompt")
    parser.add_argument("--write", type=int, default=96, help="tokens to write")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    name = given.model.removeprefix("gguf:")
    path = weights.path(name) if name in weights.KNOWN else Path(name)

    ours = {"llama.cpp": Ours(given.model, given.threads)}
    bare: dict[str, Bare] = {"llama.cpp": BareLlama(path, given.threads)}
    if find_spec("openvino_genai"):
        ours["OpenVINO"] = Ours(f"openvino:{given.model}", given.threads)
        bare["OpenVINO"] = BareOpenVINO(path, given.threads)
    else:
        print("openvino-genai is not installed: pip install 'groundtone[openvino]'")

    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    order = [(library, who) for library in ours for who in ("ours", "bare")]
    for number in range(-1, given.rounds):  # the first one only warms up
        talks = talk(number, given.tokens, path)
        prompts = [vocabulary(path).tokens(vocabulary(path).render(one)) for one in talks]
        for library, who in order:
            row = (
                measure_ours(ours[library], talks, given.write)
                if who == "ours"
                else measure_bare(bare[library], prompts, given.write)
            )
            if number >= 0:
                found.setdefault((library, who), []).append(row)
        order = order[1:] + order[:1]

    report: dict[str, Any] = {
        "model": given.model,
        "threads": given.threads,
        "prompt_tokens": len(prompts[0]),
        "rounds": given.rounds,
    }
    for library in ours:
        rows: dict[str, Any] = {}
        for measure in MEASURES:
            values = {
                who: [row[measure] for row in found[library, who] if row[measure] == row[measure]]
                for who in ("ours", "bare")
            }
            rows[measure] = {who: statistics.median(all_) for who, all_ in values.items() if all_}
            if len(rows[measure]) == 2:
                rows[measure]["ratio"] = rows[measure]["ours"] / rows[measure]["bare"]
        report[library] = rows
    if given.json:
        print(json.dumps(report, indent=1))
        return
    print(f"{given.model}, {report['prompt_tokens']} tokens, {given.threads} threads")
    print(f"{'engine':<11}{'measure':<16}{'ours':>9}{'bare':>9}{'ratio':>7}   goal")
    for library in ours:
        for measure in MEASURES:
            row = report[library][measure]
            cells = "".join(
                f"{row.get(who, float('nan')):>{width}.{digits}f}"
                for who, width, digits in (("ours", 9, 1), ("bare", 9, 1), ("ratio", 7, 2))
            )
            print(f"{library:<11}{measure:<16}{cells}   {GOALS[measure]}")


if __name__ == "__main__":
    main()
