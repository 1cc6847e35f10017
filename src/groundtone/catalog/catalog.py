"""The catalog whole."""

from __future__ import annotations

from groundtone.catalog.answers import Answers
from groundtone.catalog.attached import Attached
from groundtone.catalog.collections import Collections
from groundtone.catalog.documents import Documents
from groundtone.catalog.feedback import Feedback
from groundtone.catalog.files import Files
from groundtone.catalog.jobs import Jobs
from groundtone.catalog.keys import Keys
from groundtone.catalog.models import Models
from groundtone.catalog.syncs import Syncs
from groundtone.catalog.votes import Votes
from groundtone.catalog.windows import Windows


class Catalog(
    Documents,
    Windows,
    Collections,
    Models,
    Answers,
    Syncs,
    Files,
    Jobs,
    Keys,
    Feedback,
    Votes,
    Attached,
):
    """All that a workspace knows; safe from many threads and processes at once.

    Args:
        where: path of an SQLite file, made if absent, or an SQLAlchemy URL. One made by an
            earlier version is brought up to date in place.

    Raises:
        GroundtoneError: it is damaged, or was made by a later version.
        Busy: another process held it locked for too long.
    """
