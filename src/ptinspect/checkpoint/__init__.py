"""The domain: what a document means."""
