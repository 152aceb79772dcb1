-- The rules of detection, one row.
from detection_rules
