"""Beyond one process: one configuration for a laptop, several GPUs, or several machines."""
