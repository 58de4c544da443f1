"""Networks beside neurons: predict, compare and decode what was recorded over time."""
