"""Buckets of object storage (``s3://``, ``gs://``, ``az://``): one module a provider, and what they
share.

Documents are read from them (`groundtone.syncing.buckets`), and an index may be kept in one
(`groundtone.index.lance`). Keys are never in settings: they come from the environment, or from the
providers' own files.
"""
