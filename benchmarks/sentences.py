"""Sentences of the benchmarks of speech to text: what callers say to a front desk, and others."""

SENTENCES = (
    "what are your opening hours",
    "when are you open on sunday",
    "i would like to book a table for two on friday at seven thirty",
    "can i book a table for four tomorrow evening",
    "what is the weather in seattle",
    "will it rain in london tomorrow",
    "no seven o'clock",
    "yes please",
    "please cancel my reservation",
    "my name is john smith",
    "do you have a table by the window",
    "how late are you open on saturday",
    "i need to change my booking to eight people",
    "thank you goodbye",
    "where can i park my car",
    "is there a table free tonight at eight",
    "we are six people",
    "make it seven thirty please",
    "do you have any vegetarian dishes",
    "could i speak to the manager please",
    "what time do you close today",
    "i would like to move my reservation to monday",
    "is breakfast included",
    "how do i get to the airport",
)
OTHER_SENTENCES = (
    "the quick brown fox jumps over the lazy dog",
    "could you explain quantum physics to my brother",
    "the museum opens a new gallery of modern art",
    "please turn on the light in the kitchen",
    "i lost my umbrella on the train yesterday",
)
"""None of the phrases: they must not be heard as one."""
LISTED = (
    "Contoso", "Fabrikam", "Northwind Traders", "Siobhan", "Nguyen", "Wojciech", "Xiomara",
    "Okonkwo", "Zava", "Adatum", "Tailspin Toys", "Litware", "Proseware", "Lamna Healthcare",
    "Woodgrove Bank", "Azure Cosmos DB", "Power BI", "Kubernetes", "Entra ID", "Grafana", "QX47",
    "AB12", "Terraform", "Priya", "Saoirse", "Kowalczyk", "Bhattacharya", "ZR900", "MK2",
    "Schwarzenbacher", "Huawei", "Ozempic", "Atorvastatin", "Metformin", "Kirchberg", "Reykjavik",
    "Llanelli", "Redis", "PostgreSQL", "Nginx",
)  # fmt: skip
"""Names, products and codes, as they stand in a phrase list."""
FRAMES = (
    "could you put me through to {} please",
    "i have a question about {}",
    "my order is with {}",
    "{} is what i need",
    "do you know {} well",
)
"""What they are said in."""
