"""The report: one HTML file and its JSON, for a ticket or a colleague without this program.

The same checkpoint under the same options gives the same bytes, so two reports can be compared
line by line: no times, no absolute paths, sorted keys.

``gather`` reads, a section is a function from the ``Material`` to its ``Section``, and ``pages``
puts sections together. A page of the program adds its own section to ``SECTIONS`` or to its own
list of them.
"""

from sparse_core.analysis.report.gather import Material, gather
from sparse_core.analysis.report.page import Pages, pages
from sparse_core.analysis.report.section import Maker, Section
from sparse_core.analysis.report.sections import SECTIONS

__all__ = ["SECTIONS", "Maker", "Material", "Pages", "Section", "gather", "pages"]
