"""Where the files that are no Python lie: launch, config and models."""

from pathlib import Path


def share_directory() -> Path:
    """Folder with the package's ``config``, ``launch`` and ``models``.

    ``share/cns_ros`` of the installation, be it by pip or by colcon, or the checkout itself.

    Raises:
        FileNotFoundError: if the package was copied around without them.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent, *(p / "share" / "cns_ros" for p in package.parents)):
        if (folder / "package.xml").is_file():
            return folder
    raise FileNotFoundError(f"neither share/cns_ros nor package.xml above {package}: reinstall it")
