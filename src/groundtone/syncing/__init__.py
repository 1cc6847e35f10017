"""Folders and files kept in step with the catalog and the index."""

from groundtone.syncing.report import Change, Progress, Step, SyncReport
from groundtone.syncing.run import forget, sync

__all__ = ["Change", "Progress", "Step", "SyncReport", "forget", "sync"]
