"""nbgrader's configuration of this course; `autograder` reads it, too. How each assignment is judged: judging/."""

from autograder.pipeline.page_templates import folders

c = get_config()  # noqa: F821 - nbgrader gives it to this file

c.CourseDirectory.course_id = "kafka"

# What being late costs; an assignment.yaml with "late" decides for its assignment when the autograder grades it.
c.AssignLatePenalties.plugin_class = "autograder.late.LinearLatePenalty"
c.LinearLatePenalty.grace_hours = 2
c.LinearLatePenalty.percent_per_day = 10
c.LinearLatePenalty.most_percent = 50

# Pages of formgrader and feedback fetch nothing from elsewhere, and nothing that a student wrote can lie over a mark.
c.HTMLExporter.extra_template_basedirs = folders()
c.HTMLExporter.exclude_anchor_links = True
c.HighlightMagicsPreprocessor.enabled = False  # the autograder says which cells have no colours, as they take too long
