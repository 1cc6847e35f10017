"""Work that takes long, carried out by a process of its own: see `groundtone.catalog.jobs`."""
