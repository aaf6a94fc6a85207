{{ needs('mss_bezirke') }}
{# Grain: area × Stichtag × merkmal. #}
{{ mss_shares('mss_bezirke', marks=false) }}
