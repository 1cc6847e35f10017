"""Folders and files kept in step with the catalog and the index."""

from groundtone.syncing.report import Progress, SyncReport
from groundtone.syncing.run import forget, sync

__all__ = ["Progress", "SyncReport", "forget", "sync"]
