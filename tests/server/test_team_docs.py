"""What docs/team.md says for systemd and nginx, given to systemd and nginx where they are here."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.serving import ROOT, Served
from tests.server.stubbed import until

PAGE = (ROOT / "docs" / "team.md").read_text("utf-8")
HTTP = """daemon off;
{user}
pid {here}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/body;
    proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi;
    uwsgi_temp_path {here}/uwsgi;
    scgi_temp_path {here}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
{server}
}}
"""


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_systemd_has_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd is not here")
    unit = tmp_path / "groundtone.service"
    installed = "/usr/local/bin/groundtone "
    assert installed in block("ini")
    unit.write_text(block("ini").replace(installed, "/bin/true "), "utf-8")
    told = subprocess.run([analyse, "verify", unit], capture_output=True, text=True, timeout=60)
    if "Failed to" in told.stderr and "unit" not in told.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {told.stderr}")
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


@contextlib.contextmanager
def proxied(server: Served, here: Path) -> Iterator[str]:
    """nginx by the page's own words, but for TLS and the two addresses."""
    nginx = shutil.which("nginx")
    if nginx is None:
        pytest.skip("nginx is not here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = block("nginx").replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    user = "user root;" if os.geteuid() == 0 else ""  # else it gives its rights away
    words = words.replace("http://127.0.0.1:8000", server.root)
    (here / "nginx.conf").write_text(HTTP.format(user=user, here=here, server=words), "utf-8")
    command = [nginx, "-e", "stderr", "-p", str(here), "-c", str(here / "nginx.conf")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=60)
    assert tried.returncode == 0 and "warn" not in tried.stderr, tried.stderr
    process = subprocess.Popen(command)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_nginx_passes_streams_uploads_and_refusals(server: Served, tmp_path: Path) -> None:
    with proxied(server, tmp_path) as root:
        headers = {"authorization": f"Bearer {server.keys['admin']}", "host": "docs.example.com"}

        def lives() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{root}/health", headers=headers).status_code == 200
            return False

        until(lives)
        with httpx.Client(base_url=root, headers=headers, timeout=120) as http:
            body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
            body |= {"stream": True, "max_tokens": 3}
            with http.stream("POST", "/v1/chat/completions", json=body) as answer:
                lines = [line for line in answer.iter_lines() if line]
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert lines[-1] == "data: [DONE]"
            large = {"file": ("large.bin", b"x" * 30_000_000)}
            made = http.post("/v1/files", files=large, data={"purpose": "user_data"})
            assert made.json()["bytes"] == 30_000_000, made.text
            assert http.delete(f"/v1/files/{made.json()['id']}").status_code == 200
        refused = httpx.get(f"{root}/v1/models", headers={"host": "docs.example.com"})
        assert refused.status_code == 401
