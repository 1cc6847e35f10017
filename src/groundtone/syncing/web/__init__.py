"""Web pages as sources. Imported only where a source is an address: nothing else uses a network."""
