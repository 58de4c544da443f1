"""How an answer is checked, compared and described; no exercise is known here."""
