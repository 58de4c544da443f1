"""The equations made fast: tensors in, tensors out; no model is known here."""

from nmcourse.models.loops.compiled.path import compiled_loops, path_of

__all__ = ["compiled_loops", "path_of"]
