"""Describes a data set in its own folder.

    statistics.json                         the numbers
    README.md                               the data card
    contact_sheet.png, mean_images.png      the pictures; further pages are numbered
    SHA256SUMS, croissant.json              the files, for machines

The same data set gives the same bytes: no clock is read. The Croissant file comes last, since it
has the checksums of others.
"""

from __future__ import annotations

from traitlens import files
from traitlens.description.card import CARD, card
from traitlens.description.croissant import CHECKSUMS, CROISSANT, checksums, croissant
from traitlens.description.findings import read_findings
from traitlens.description.picture_sheets import PictureSheets
from traitlens.description.publication import Publication
from traitlens.description.statistics import Description
from traitlens.description.stored import STATISTICS
from traitlens.description.surveying import Survey
from traitlens.progress import Progress, silent
from traitlens.store import Dataset


def write(
    data: Dataset, *, publication: Publication | None = None, progress: Progress = silent
) -> Description:
    """Write the description into the folder of a data set, and return its numbers.

    Each file is written whole or not at all. `publication` is what its publisher adds.
    """
    publication = publication or Publication()
    survey, sheets = Survey(data), PictureSheets(data.path)
    for one in survey.collections(progress=progress):
        sheets.add(one.description.name, one.description.counts.kept, one.gallery)
    sheets.close()
    description = survey.description()
    files.write_json(data.path / STATISTICS, description.to_json())
    text = card(
        description,
        publication=publication,
        findings=read_findings(data.path),
        sheets=sheets.written,
    )
    files.write_text(data.path / CARD, text)
    shards = [shard for entry in data.manifest.collections for shard in entry.shards]
    files.write_text(data.path / CHECKSUMS, checksums(data.path, shards, progress=progress))
    files.write_json(data.path / CROISSANT, croissant(description, publication, data.path))
    return description
