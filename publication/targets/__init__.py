"""Where a finished edition goes: folders and SFTP servers, PostGIS, and who hears of it by mail.

Here belongs what writes to a target and reads back what it holds. Every target is whole at every
moment: a reader finds the earlier edition or the new one. Not here: which targets there are
(sources), when they are written and what is told of it (orchestration).
"""
