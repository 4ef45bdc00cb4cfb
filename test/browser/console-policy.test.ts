/** The console under its Content-Security-Policy, in a real browser. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { goTo, signIn, startTestConsole, type TestConsole } from "../setup/console.ts";

let service: TestConsole;
beforeAll(async () => {
  service = await startTestConsole();
});
afterAll(() => service?.close());

test("the console works under its content security policy, which blocks an injected script", async () => {
  await service.visit(async (page) => {
    const violations = () => page.evaluate("window.violations");
    await page.addInitScript({
      content: `
        const violations = [];
        window.violations = violations;
        document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));`,
    });
    await page.reload();
    await signIn(page);
    await goTo(page, "/accounts/4");
    await page.getByText("Drag across the chart").waitFor();
    await goTo(page, "/connection");
    await page.getByText("✓ A browser lets this page call the API.").waitFor();
    expect(await violations()).toEqual([]);

    await page.evaluate(`
      const script = document.createElement("script");
      script.textContent = "window.smuggled = true";
      document.body.append(script)`);
    await expect.poll(violations).toEqual(["script-src-elem"]);
    expect(await page.evaluate("window.smuggled")).toBeUndefined();
  });
});
