"""Buckets as sources, ``s3://BUCKET/PREFIX`` and its like.

Objects are listed, with sizes and times, by the process that syncs, and fetched by the one that
reads them, for as long as that takes: no copy stays on this machine, and on a cluster each machine
fetches what it reads. pyarrow, which comes with LanceDB, speaks the protocol; it is loaded only
where a source is a bucket.
"""
