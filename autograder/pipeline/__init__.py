"""From a folder of submissions to marks: intake, nbgrader's sanitize, a jail, a judge, nbgrader's record.

Only this process writes into the gradebook; what runs submissions knows neither the gradebook nor the course.
"""
