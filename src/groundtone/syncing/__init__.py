"""Folders and files kept in step with the catalog and the index."""

from groundtone.syncing.run import Progress, SyncReport, forget, sync

__all__ = ["Progress", "SyncReport", "forget", "sync"]
