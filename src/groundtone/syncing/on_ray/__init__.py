"""Reading and embedding on a Ray cluster, in place of this machine's processes and threads.

Listing, change detection, catalog and index stay with the process that syncs. What it sends out is
the very same work: a `Reader` and its jobs, texts for the embedding model. So what comes back is
the same too, and a worker that is lost costs what it had in hand.
"""
