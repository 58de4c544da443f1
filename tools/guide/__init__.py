"""The pages for teachers: what they say about chapters and exercises is generated from these.

chapters.py        what a chapter holds: sections, figures, questions, exercises, time
exercise_table.py  the table of every exercise
plans.py           the plan of each chapter (plans/*.toml) and its typical wrong answers
syllabus.py        the syllabi (syllabi.toml)
inventory_form.py  a form of the concept inventory: questions and options
inventory.py       the concept inventory, drawn by a seed into a folder outside the tree
pages.py           puts the generated parts into the pages of book/teaching
"""
