"""Networks beside neurons: neurons that were made, and recordings that a reader has."""
