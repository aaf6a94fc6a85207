{{ needs('itnrw_mindestsicherung') }}
{# Recipients of Mindestsicherung by Kommune. The total mixes exact and rounded counts: an estimate.
   Grain: delivery × Kommune. #}
{{ landesdatenbank('stg_itnrw__mindestsicherung', 'itnrw_mindestsicherung', 'mindestsicherung',
    "leistung = 'insgesamt'") }}
