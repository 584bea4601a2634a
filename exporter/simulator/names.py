"""The words of which the sample account is made.

Some names are nasty on purpose: they are legal in integrator.io and every reader
of them has to escape, cut or quote them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Application:
    """An end system: its name, connection type, assistant, and adaptors."""

    name: str
    type: str
    assistant: str | None
    export_adaptor: str
    import_adaptor: str


APPLICATIONS = (
    Application("Shopify", "http", "shopify", "HTTPExport", "HTTPImport"),
    Application("NetSuite", "netsuite", None, "NetSuiteExport", "NetSuiteDistributedImport"),
    Application("Salesforce", "salesforce", None, "SalesforceExport", "SalesforceImport"),
    Application("3PL Central", "http", "3plcentral", "HTTPExport", "HTTPImport"),
    Application("Amazon Seller Central", "http", "amazonsp", "HTTPExport", "HTTPImport"),
    Application("HubSpot", "http", "hubspot", "HTTPExport", "HTTPImport"),
    Application("Snowflake", "rdbms", None, "RDBMSExport", "RDBMSImport"),
    Application("EDI van", "van", None, "FTPExport", "FTPImport"),
    Application("Warehouse SQL", "rdbms", None, "RDBMSExport", "RDBMSImport"),
    Application("S3 archive", "s3", None, "S3Export", "S3Import"),
    Application("SFTP bank", "ftp", None, "FTPExport", "FTPImport"),
    Application("Stripe", "rest", "stripe", "RESTExport", "RESTImport"),
    Application("Zendesk", "http", "zendesk", "HTTPExport", "HTTPImport"),
    Application("Partner AS2", "as2", None, "AS2Export", "AS2Import"),
    Application("Product catalogue", "mongodb", None, "MongodbExport", "MongodbImport"),
    Application("Events", "dynamodb", None, "DynamodbExport", "DynamodbImport"),
)

OBJECTS = (
    "orders",
    "customers",
    "inventory levels",
    "fulfilments",
    "refunds",
    "invoices",
    "payouts",
    "products",
    "price lists",
    "contacts",
    "shipments",
    "purchase orders",
    "item receipts",
    "credit memos",
    "tickets",
    "leads",
)

REGIONS = ("EU", "US", "UK", "APAC", "CA", "DACH", "Nordics", "outlet", "wholesale", "B2B")

ZONES = (
    None,
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Europe/London",
    "UTC",
)

NASTY_NAMES = (
    'Orders "express" → ERP',
    "Path C:\\exports\\daily \\n not a newline",
    "Two\nlines of name",
    "🚚 Shipments 📦 → 3PL",
    "מלאי ← מחסן \u202eRTL\u202c",
    "Very long " + "name " * 37 + "ends.",
    "<script>alert('flow')</script>",
    "  blanks around  ",
    'label="x",le="+Inf"} 1',
    "Ünïcödé Größenwechsel 注文",
)
