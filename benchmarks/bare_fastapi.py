"""FastAPI with /readiness and nothing else, to compare start times with; listens on PORT."""

import os

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/readiness")
async def report_readiness() -> dict[str, str]:
    return {"status": "healthy"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_config=None)
