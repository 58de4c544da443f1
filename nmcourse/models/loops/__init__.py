"""The equations made fast: tensors in, tensors out; no model is known here."""
