"""Pictures for the eye: contact sheets of data sets and cities, and clips with the truth drawn over them.

Owns what is drawn where; changes nothing of what it shows. Only model_sheet, which is not gathered here, renders.
"""

from simulator.inspect.city_sheet import city_sheet
from simulator.inspect.dataset_sheet import SheetRequest, dataset_sheet
from simulator.inspect.overlay import write_overlay

__all__ = ["SheetRequest", "city_sheet", "dataset_sheet", "write_overlay"]
