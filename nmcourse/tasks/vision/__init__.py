"""Images: read, packed, fetched and drawn in batches."""
