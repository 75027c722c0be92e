"""What the labs teach as plain functions: rules, formulas and models, without a widget.

Each module is one lab's subject. Widgets draw what is computed here, checks judge by it, and a student can read it.
"""
