"""Networks that keep time in Measure-Wait-Go, compared and varied."""
