{{ needs('mss_anteile') }}
{# Grain: area × Stichtag × merkmal. #}
{{ mss_shares('mss_anteile') }}
