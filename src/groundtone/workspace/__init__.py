"""A folder that knows its documents and its models."""

from groundtone.workspace.workspace import Workspace

__all__ = ["Workspace"]
