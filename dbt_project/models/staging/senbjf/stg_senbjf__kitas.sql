{{ needs('kita_verzeichnis') }}
{# Grain: day-care centre × delivery. #}
select einrichtung_id, stichtag, delivery_id, liefereinheit, row_number, plaetze, art, lor_2021
from {{ source('landing', 'kita_verzeichnis') }}
