"""What ``scripts/structure_doc.py`` is made of: facts read from the declarations, and pages made from the facts."""
