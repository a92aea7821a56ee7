import { useMutation, useQuery } from "convex/react";
import { useState, type FormEvent } from "react";
import { api } from "../convex/_generated/api.js";
import "./page.css";

/** An ordinary page. Each part is live, because a workflow's steps write to tables that queries read. */
export function App() {
  return (
    <main>
      <header>
        <h1>Workflow example</h1>
        <a href="/console">See the runs in the console</a>
      </header>
      <Onboardings />
      <Expenses />
    </main>
  );
}

function Onboardings() {
  const onboardings = useQuery(api.page.onboardings);
  const signUp = useMutation(api.page.signUp);
  const verifyEmail = useMutation(api.page.verifyEmail);
  return (
    <section aria-labelledby="onboardings">
      <h2 id="onboardings">Onboardings</h2>
      <p>
        Each sign-up starts a run. It sends mails over some days, here of 10
        seconds, and waits for the address to be verified.
      </p>
      <NewItem
        label="Name"
        action="Sign up"
        submit={(name) => signUp({ name })}
      />
      <List
        items={onboardings}
        none="Nobody has signed up yet."
        render={({ workflowId, name, status, waitsFor, mails }) => (
          <li key={workflowId}>
            <div className="title">
              <strong>{name}</strong>
              <span className={`status ${status}`}>{STATUS[status]}</span>
              {waitsFor.includes("emailVerified") && (
                <button
                  onClick={() =>
                    void verifyEmail({ workflowId, email: mailOf(name) })
                  }
                >
                  Verify email<span className="hidden"> of {name}</span>
                </button>
              )}
            </div>
            {waitsFor.length > 0 && <p>Now: {waitsFor.join(", ")}</p>}
            {mails.length > 0 && <p>Mails: {mails.join(" · ")}</p>}
          </li>
        )}
      />
    </section>
  );
}

const STATUS = {
  inProgress: "in progress",
  completed: "completed",
  failed: "failed",
  canceled: "canceled",
};

const mailOf = (name: string) =>
  `${name.toLowerCase().replace(/\W+/g, ".")}@example.com`;

function Expenses() {
  const expenses = useQuery(api.page.expenses);
  const submit = useMutation(api.page.submitExpense);
  const decide = useMutation(api.page.decide);
  return (
    <section aria-labelledby="expenses">
      <h2 id="expenses">Expenses</h2>
      <p>Each expense is a run that waits up to a day for your decision.</p>
      <NewItem
        label="Title"
        action="Submit"
        submit={(title) => submit({ title })}
      />
      <List
        items={expenses}
        none="There are no expenses yet."
        render={({ _id, workflowId, title, state }) => (
          <li key={_id}>
            <div className="title">
              <strong>{title}</strong>
              <span className={`status ${state}`}>{state}</span>
              {state === "waiting" &&
                [true, false].map((approved) => (
                  <button
                    key={String(approved)}
                    onClick={() => void decide({ workflowId, approved })}
                  >
                    {approved ? "Approve" : "Reject"}
                    <span className="hidden"> {title}</span>
                  </button>
                ))}
            </div>
          </li>
        )}
      />
    </section>
  );
}

/** A form with one field. */
function NewItem(props: {
  label: string;
  action: string;
  submit: (text: string) => Promise<unknown>;
}) {
  const [text, setText] = useState("");
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    void props.submit(text.trim());
    setText("");
  };
  return (
    <form onSubmit={onSubmit}>
      <label>
        {props.label}
        <input value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button>{props.action}</button>
    </form>
  );
}

/** While the query loads, there are no items. */
function List<Item>(props: {
  items: Item[] | undefined;
  none: string;
  render: (item: Item) => React.ReactNode;
}) {
  const { items, none, render } = props;
  if (!items) return <p>Loading…</p>;
  return items.length === 0 ? <p>{none}</p> : <ul>{items.map(render)}</ul>;
}
