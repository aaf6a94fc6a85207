{{ needs('schulen') }}
{# Grain: school × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, schulnummer, schulform, kommune_id,
    schueler, abgaenge_klasse4, abgaenge_klasse4__zustand, uebergaenge_gymnasium,
    uebergaenge_gymnasium__zustand, abgaenge, abgaenge__zustand, abgaenge_ohne_abschluss,
    abgaenge_ohne_abschluss__zustand
from {{ source('landing', 'schulen') }}
