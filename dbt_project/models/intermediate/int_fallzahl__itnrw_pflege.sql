{{ needs('itnrw_pflege') }}
{# Persons in need of care by Kommune. Grain: delivery × Kommune. #}
{{ landesdatenbank('stg_itnrw__pflege', 'itnrw_pflege', 'pflegebeduerftige',
    "leistungsart = 'insgesamt'") }}
