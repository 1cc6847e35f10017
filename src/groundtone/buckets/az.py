"""Azure Blob Storage."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from groundtone.buckets.provider import Provider, reasons

KEYS = (
    "Set AZURE_STORAGE_ACCOUNT, or [az] account, and AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, "
    "or `az login` as somebody who may list and read it."
)


@dataclass(frozen=True, slots=True)
class AZAccess:
    """The section ``[az]``.

    Attributes:
        account: that has the containers; empty: as Azure's environment says.
        endpoint: of a server that is not Azure's; empty: Azure.
    """

    account: str = ""
    endpoint: str = ""


def _open(access: AZAccess) -> Any:
    from pyarrow import fs

    told = dict(
        part.split("=", 1)
        for part in os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";")
        if "=" in part
    )
    account = access.account or os.environ.get("AZURE_STORAGE_ACCOUNT") or told.get("AccountName")
    key = os.environ.get("AZURE_STORAGE_KEY") or told.get("AccountKey")
    signed = os.environ.get("AZURE_STORAGE_SAS_TOKEN") or told.get("SharedAccessSignature")
    if not account:
        raise OSError("no account")
    scheme, _, host = access.endpoint.rpartition("://")
    return fs.AzureFileSystem(
        account,
        account_key=key or None,
        sas_token=None if key or not signed else f"?{signed.removeprefix('?')}",
        **{f"{kind}_storage_authority": host for kind in ("blob", "dfs") if host},
        **{f"{kind}_storage_scheme": scheme for kind in ("blob", "dfs") if host},
    )


AZ = Provider(
    scheme="az",
    name=re.compile(r"[a-z0-9$][a-z0-9-]{1,61}[a-z0-9]"),
    open=_open,
    reasons=reasons(
        "az",
        KEYS,
        {
            "none": r"no account|DefaultAzureCredential|Bearer token|get token",
            "unknown": r"\[AuthenticationFailed\]|\[InvalidAuthenticationInfo\]",
            "denied": r"\[Authorization\w+\]|403 |\[PublicAccessNotPermitted\]",
            "away": r"Fail to get a new connection|Could not resolve|Could not connect",
            "nothing": r"Path does not exist|404 ",
        },
    ),
)
