"""This user's desktop: ptinspect in its menu, its icon on checkpoints, a double click that opens them. No root, and undone whole.

    program      which command a desktop starts
    placing      files put in place by a plan, remembered in a record, and taken away again
    linux        file types, menu entry and icons of freedesktop.org; `entry` quotes, `defaults` edits mimeapps.list
    macos        a small bundle in ~/Applications
    windows      keys of the user's registry; `registry` is all that is asked of it

Tried with the real tools on Debian 12 (desktop-file-validate, update-mime-database, gio, xdg-mime, Qt). Not tried on the systems
themselves: Windows, where tests run against a registry in memory, and macOS, where tests read the bundle that is written. Windows
gets no entry in the start menu: a shortcut is a binary file that only the shell writes well.
"""
